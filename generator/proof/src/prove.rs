//! What a cell has to do for it to count as verified.

use anyhow::{Context as _, Result, ensure};
use gantry_domain::matrix::{Framework, Pattern};
use serde_json::json;

use crate::{Cell, Environment, Generated, Loopback};

/// What the loopback endpoint answers an HTTP tool with.
const WEATHER: &str = "17C and clear in Oslo";

/// Generates the project of a cell and runs it: its own tests pass; it says which setting is missing;
/// a model makes it call tools, whose true output goes back; it serves.
///
/// # Errors
///
/// What did not hold.
pub fn prove(cell: Cell, environment: &Environment) -> Result<()> {
    let endpoint = Loopback::endpoint(WEATHER)?;
    let project = Generated::new(&cell.spec(endpoint.address())?, environment)?;
    project.passes_its_own_tests()?;
    if cell.framework == Framework::WatsonxOrchestrate {
        // It runs on IBM's server only: what can be proven is that IBM's own kit accepts it, which its tests do.
        return Ok(());
    }
    project.says_what_is_missing()?;
    if cell.pattern == Pattern::Single {
        let model = Loopback::answering()?;
        let printed = project.answers(&model, "Hello")?;
        ensure!(printed.contains("FINAL") && model.requests().len() == 1, "{printed} {:?}", model.requests());
        return Ok(());
    }
    project.calls("calculator", &json!({"expression": "2**10 + 0.5"}), "1024.5")?;
    if cell.pattern == Pattern::React {
        project.calls("get_weather", &json!({"city": "Oslo/Ås", "detail": true}), WEATHER)?;
        let asked = endpoint.lines();
        let expected = "GET /weather/Oslo%2F%C3%85s?units=metric&detail=true ";
        ensure!(asked.iter().any(|line| line.starts_with(expected)), "{asked:?}");
        let counts = "{\"characters\": 7, \"words\": 2, \"lines\": 1}";
        project.calls("text_statistics", &json!({"text": "one two"}), counts)?;
        project.serves().context("serve")?;
    }
    Ok(())
}
