//! `auth` and `tls`.

use std::path::PathBuf;

use serde_yaml::Spanned;

use super::parts::Maybe;

keys! {
    /// Exactly one of them.
    struct Auth {
        /// A file that holds the token for `Authorization: Bearer`.
        bearer_token_file: Maybe<PathBuf> => shown,
        /// The environment variable that holds the token for `Authorization: Bearer`.
        bearer_token_env: Maybe<String> => place,
        /// Any other header that carries a secret.
        header: Option<AuthHeader> => inside,
    }
}

keys! {
    struct AuthHeader {
        /// The header's name, such as `api-key`.
        name: Spanned<String> => shown,
        /// A file that holds the header's value. Either this or `value_env`.
        value_file: Maybe<PathBuf> => shown,
        /// The environment variable that holds the header's value.
        value_env: Maybe<String> => place,
    }
}

keys! {
    struct Tls {
        /// A file of authorities, or of servers' own certificates, in PEM.
        ca_file: Maybe<PathBuf> => shown.otherwise("the system's authorities"),
        /// The name to verify.
        server_name: Maybe<String> => shown.otherwise("the URL's host"),
        /// A file with the certificate that is shown to a server that asks its clients for one, in PEM,
        /// followed by those between it and the authority that the server knows. Read again when it
        /// changes.
        cert_file: Maybe<PathBuf> => shown.otherwise("none is shown"),
        /// A file with its private key, in PEM.
        key_file: Maybe<PathBuf> => shown.otherwise("none is shown"),
        /// Accept any certificate: for test rigs.
        insecure_skip_verify: Option<bool> => shown.default(false),
    }
}
