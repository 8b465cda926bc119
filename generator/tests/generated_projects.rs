//! Generated projects are installed and run, cell by cell of the matrix (`gantry_proof::prove` says
//! what each has to do).
//!
//! Without being told otherwise these are a quick part: the plain loop in every pattern, and of every
//! other framework `react`, where its packages are installed already or are few. `GANTRY_TEST_CELLS`
//! names others: `all`, or a list such as `langgraph,crewai/graph`. Which cells ran, and which did
//! not, is printed. Packages come from PyPI and npm into environments that are kept in
//! `~/.cache/gantry-test`; `GANTRY_TEST_SKIP=python` leaves out what has packages, and says so.

#![expect(clippy::expect_used, reason = "a test that fails by it has said what it needs to say")]

use gantry_domain::matrix::{Framework, Pattern};
use gantry_proof::{Cell, Environment, cells, prove};

/// How many packages are few enough to be installed for the quick part.
const FEW_PACKAGES: usize = 60;

/// Whether the person asked for a cell; none if the quick part is wanted.
fn is_named(cell: Cell) -> Option<bool> {
    let named = std::env::var("GANTRY_TEST_CELLS").ok().filter(|named| !named.trim().is_empty())?;
    let is_meant = |word: &str| word == "all" || word == cell.framework.as_str() || word == cell.to_string();
    Some(named.split(',').map(str::trim).any(is_meant))
}

fn is_wanted(cell: Cell, packages: usize, is_installed: bool) -> bool {
    is_named(cell)
        .unwrap_or(packages == 0 || (cell.pattern == Pattern::React && (is_installed || packages <= FEW_PACKAGES)))
}

fn prove_all(framework: Framework) {
    let all: Vec<Cell> = cells().into_iter().filter(|cell| cell.framework == framework).collect();
    if all.is_empty() {
        return;
    }
    let skipped = std::env::var("GANTRY_TEST_SKIP").unwrap_or_default();
    let (is_installed, packages) = Environment::is_kept(framework).expect("a lock");
    let is_skipped = packages > 0 && skipped.split(',').any(|part| part.trim() == "python");
    let (wanted, others): (Vec<Cell>, Vec<Cell>) =
        all.into_iter().partition(|cell| !is_skipped && is_wanted(*cell, packages, is_installed));
    let list = |cells: &[Cell]| cells.iter().map(Cell::to_string).collect::<Vec<_>>().join(" ");
    if !others.is_empty() {
        eprintln!("NOT TESTED: {} (GANTRY_TEST_CELLS names cells)", list(&others));
    }
    if wanted.is_empty() {
        return;
    }
    let environment = Environment::kept(framework)
        .expect("its packages are installed (with no way to the registries, GANTRY_TEST_SKIP=python leaves this out)");
    let failed: Vec<String> = wanted
        .iter()
        .filter_map(|cell| prove(*cell, &environment).err().map(|error| format!("{cell}: {error:#}")))
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
    eprintln!("tested: {}", list(&wanted));
}

macro_rules! frameworks {
    ($($name:ident: $framework:ident,)*) => {
        $(
            #[test]
            fn $name() {
                prove_all(Framework::$framework);
            }
        )*

        #[test]
        fn no_framework_is_forgotten() {
            assert_eq!([$(Framework::$framework),*], Framework::ALL);
        }
    };
}

frameworks! {
    projects_of_plain_react_run: React,
    projects_of_langgraph_run: Langgraph,
    projects_of_pydantic_ai_run: PydanticAi,
    projects_of_openai_agents_run: OpenaiAgents,
    projects_of_openai_agents_typescript_run: OpenaiAgentsTypescript,
    projects_of_agent_framework_run: AgentFramework,
    projects_of_google_adk_run: GoogleAdk,
    projects_of_strands_run: Strands,
    projects_of_crewai_run: Crewai,
    projects_of_crewai_flow_run: CrewaiFlow,
    projects_of_llamaindex_run: Llamaindex,
    projects_of_watsonx_orchestrate_run: WatsonxOrchestrate,
}
