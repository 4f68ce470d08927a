//! The two macros that say a key: its name and type, whether its value is shown, its default and
//! range, and its help (the doc comment). A key without help, or without a word on whether it is
//! shown, does not compile.

/// Declares a mapping of the file with its keys.
///
/// ```text
/// keys! {
///     /// About the type, for whoever reads the code.
///     struct Tls {
///         /// Help, for whoever writes a file. Without it the key does not compile.
///         server_name: Maybe<String> => shown,
///         ca_file: Maybe<PathBuf> => shown.otherwise("the system's authorities"),
///     }
/// }
/// ```
/// After `=>` stands one of the words of `Unsaid`, then what `Key` can be told. `optional struct` is
/// a mapping that may be left out, with every key of it.
macro_rules! keys {
    ($(#[doc = $about:literal])* struct $name:ident { $($body:tt)* }) => {
        keys! { @define [$(#[doc = $about])*] false $name { $($body)* } }
    };
    ($(#[doc = $about:literal])* optional struct $name:ident { $($body:tt)* }) => {
        keys! {
            @define [$(#[doc = $about])* #[derive(Default)] #[serde(default)]] true
            $name { $($body)* }
        }
    };
    (@define [$(#[$meta:meta])*] $optional:literal $name:ident {
        $(
            $(#[doc = $help:literal])+
            $key:ident: $type:ty => $show:ident $(.$said:ident($value:expr))*,
        )*
    }) => {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        $(#[$meta])*
        pub(in crate::config) struct $name {
            $(pub $key: $type,)*
        }

        impl $crate::config::keys::HasForm for $name {
            const OPTIONAL: bool = $optional;

            fn form() -> $crate::config::keys::Form {
                let keys = vec![
                    $($crate::config::keys::Unsaid::new::<$type>(
                        stringify!($key),
                        concat!($($help, "\n"),+),
                    )
                    .$show()
                    $(.$said($value))*,)*
                ];
                $crate::config::keys::Form::section(stringify!($name), keys)
            }
        }
    };
}

/// Declares words to choose from. One with a type in parentheses is written as a mapping with this
/// one key, and says whether its value is shown.
macro_rules! choices {
    ($(#[$meta:meta])* enum $name:ident {
        $(
            $(#[doc = $help:literal])+
            $word:literal => $variant:ident $(($type:ty) $show:ident)?,
        )*
    }) => {
        $(#[$meta])*
        #[derive(serde::Deserialize)]
        pub(in crate::config) enum $name {
            $(#[serde(rename = $word)] $variant $(($type))?,)*
        }

        impl $crate::config::keys::HasForm for $name {
            fn form() -> $crate::config::keys::Form {
                let mut choices = $crate::config::keys::Choices::default();
                $(choices!(@add choices, $word, concat!($($help, "\n"),+) $(, $type, $show)?);)*
                choices.into_form(stringify!($name))
            }
        }
    };
    (@add $choices:ident, $word:literal, $help:expr) => {
        $choices.word($word, $help);
    };
    (@add $choices:ident, $word:literal, $help:expr, $type:ty, $show:ident) => {
        $choices.key($crate::config::keys::Unsaid::new::<$type>($word, $help).$show());
    };
}
