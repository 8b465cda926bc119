//! The program `gantry`: `serve` starts the control plane; everything else is a thin client of its
//! REST API.
//!
//! Here are the command line itself and the exit codes. What a command does is in [`commands`], how
//! it talks to a server in [`client`] and [`follow`], how it talks to a person in [`output`].

mod client;
mod commands;
mod failure;
mod follow;
mod output;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::client::Connection;
use crate::failure::Failure;
use crate::output::Output;

/// Takes an AI agent from a sentence to a published image.
#[derive(Parser)]
#[command(name = "gantry", version, about, long_about = None, after_long_help = EXIT_CODES, max_term_width = 100)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,

    /// Prints the result as one JSON document on standard output; everything else goes to standard error.
    #[arg(long, global = true)]
    json: bool,
}

const EXIT_CODES: &str = "\
Exit codes:
    0  it worked
    1  the work failed, or the server refused it
    2  the command line or a file given on it is wrong
    3  the server could not be reached
    4  the server does not accept the token, or the token may not do this
    5  there is no such project, run, image or registry
  130  interrupted; the job was cancelled

Environment:
  GANTRY_URL    where the server is, http://127.0.0.1:7777 when not set
  GANTRY_TOKEN  an API token, made in the web interface under Settings, Tokens";

#[derive(Subcommand)]
enum Command {
    /// Starts the control plane and its web interface.
    Serve(Box<commands::serve::Serve>),
    /// Prints the version of this program and, with --server, of the server.
    Version(commands::version::Version),
    /// Prints the OpenAPI document of the REST API.
    Openapi(commands::openapi::Openapi),
    /// Asks a server on this machine whether it is ready; for container health checks.
    Healthcheck(commands::healthcheck::Healthcheck),
    /// Creates, lists and exports projects.
    #[command(subcommand)]
    Project(commands::project::Project),
    /// Runs a project's agent once and prints its answer.
    Run(commands::run::Run),
    /// Builds a project's image.
    Build(commands::build::Build),
    /// Holds a project against its cases, and shows how it came out.
    #[command(subcommand)]
    Eval(commands::eval::Eval),
    /// Publishes an image to a registry and prints where it can be pulled from.
    Publish(commands::publish::Publish),
}

/// Where the server is and who is asking; part of every command that talks to one.
#[derive(clap::Args, Clone)]
struct Server {
    /// Where the server is.
    #[arg(
        long,
        env = "GANTRY_URL",
        default_value = "http://127.0.0.1:7777",
        value_name = "URL",
        help_heading = "Server"
    )]
    url: url::Url,

    /// An API token, made in the web interface under Settings, Tokens. Better in the environment than
    /// on the command line, where other users of this machine can see it.
    #[arg(long, env = "GANTRY_TOKEN", hide_env_values = true, value_name = "TOKEN", help_heading = "Server")]
    token: Option<String>,
}

impl Server {
    /// A client for this server.
    fn connect(&self) -> Result<Connection, Failure> {
        Connection::new(self.url.clone(), self.token.clone())
    }
}

fn main() -> ExitCode {
    let line = CommandLine::parse();
    let output = Output::new(line.json);
    // The provider must be there before the first TLS client is made; it can only be there already
    // when something else in this process was faster, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let result = match line.command {
        Command::Serve(serve) => return commands::serve::run(*serve),
        Command::Openapi(openapi) => commands::openapi::run(&openapi),
        other => match runtime() {
            Ok(runtime) => runtime.block_on(ask(other, &output)),
            Err(failure) => Err(failure),
        },
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            // Not a return: a thread that waits for a line on standard input must not hold us up.
            std::process::exit(i32::from(failure.exit_code()))
        }
    }
}

/// A runtime for a client: one thread is enough, and starts in no time.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("the program could not start: {error}")))
}

async fn ask(command: Command, output: &Output) -> Result<(), Failure> {
    match command {
        Command::Version(version) => commands::version::run(version, output).await,
        Command::Healthcheck(healthcheck) => commands::healthcheck::run(healthcheck).await,
        Command::Project(project) => commands::project::run(project, output).await,
        Command::Run(run) => commands::run::run(run, output).await,
        Command::Eval(eval) => commands::eval::run(eval, output).await,
        Command::Build(build) => commands::build::run(build, output).await,
        Command::Publish(publish) => commands::publish::run(publish, output).await,
        Command::Serve(_) | Command::Openapi(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn every_command_and_flag_says_what_it_is_for() {
        fn check(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{} has no description", command.get_name());
            for argument in command.get_arguments() {
                assert!(
                    argument.get_help().is_some(),
                    "{} {} has no description",
                    command.get_name(),
                    argument.get_id()
                );
            }
            command.get_subcommands().for_each(check);
        }
        let mut command = CommandLine::command();
        command.build();
        command.get_subcommands().filter(|sub| sub.get_name() != "help").for_each(check);
    }

    #[test]
    fn the_server_can_be_named_after_the_command() {
        let line = CommandLine::try_parse_from([
            "gantry",
            "run",
            "weather",
            "hello",
            "--url",
            "https://gantry.example:8443",
            "--json",
        ])
        .unwrap();
        assert!(line.json);
        let Command::Run(run) = line.command else { panic!("another command") };
        assert_eq!(run.server.url.as_str(), "https://gantry.example:8443/");
    }
}
