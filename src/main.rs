//! The command line program.

fn main() -> std::process::ExitCode {
    llm_prober::cli::main()
}
