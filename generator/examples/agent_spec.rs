//! Prints the Open Agent Spec document of a planned agent: `agent_spec PATTERN PROMPT…`.

use gantry_domain::api::plan::{PlanConstraints, PlanRequest};
use gantry_domain::matrix::Pattern;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let word = arguments.next().unwrap_or_default();
    let pattern = Pattern::ALL.into_iter().find(|pattern| pattern.as_str() == word);
    let prompt = arguments.collect::<Vec<_>>().join(" ");
    let constraints = PlanConstraints { pattern, ..PlanConstraints::default() };
    let plan = gantry_generator::plan(&PlanRequest { prompt, constraints, ..PlanRequest::default() });
    match gantry_generator::exchange::agent_spec::export(&plan.spec) {
        Ok(document) => println!("{document:#}"),
        Err(refused) => eprintln!("{}", refused.message),
    }
}
