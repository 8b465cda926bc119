//! What the plan leaves open: at most three questions, whose answers go into the description.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::Step;
use super::draft::Draft;
use crate::parts::{Button, Icon, TextField, icon};

/// The questions, each with a field for its answer.
#[component]
pub(crate) fn Questions() -> impl IntoView {
    let draft = Draft::expect();
    let shown = move || {
        let questions = draft.questions.get();
        (!questions.is_empty()).then(|| form(draft, questions))
    };
    view! { {shown} }.into_any()
}

fn form(draft: Draft, questions: Vec<String>) -> AnyView {
    let navigate = StoredValue::new_local(use_navigate());
    let answers: Vec<RwSignal<String>> = questions.iter().map(|_| RwSignal::new(String::new())).collect();
    let fields = questions
        .iter()
        .zip(&answers)
        .map(|(question, answer)| view! { <TextField label=question.clone() value=*answer/> })
        .collect_view();
    let asked = StoredValue::new(questions);
    let given = StoredValue::new(answers);
    let is_empty = Signal::derive(move || {
        given.with_value(|answers| answers.iter().all(|answer| answer.with(|answer| answer.trim().is_empty())))
    });
    let answer = move |()| {
        let answers: Vec<String> = given.with_value(|answers| answers.iter().map(|one| one.get_untracked()).collect());
        let by_rules = draft.planner.with_untracked(|planner| planner.provider_id.is_none());
        draft.prompt.update(|prompt| *prompt = asked.with_value(|asked| answered(prompt, asked, &answers, by_rules)));
        if by_rules {
            draft.plan_by_rules();
        } else {
            // A model takes its time: where the planner is, there is its progress.
            navigate.with_value(|navigate| navigate(&Step::Describe.address(), NavigateOptions::default()));
        }
    };
    view! {
        <section class="card questions" aria-labelledby="questions-title">
            <div class="row">{icon(Icon::Info)}<h2 id="questions-title">"The description leaves open"</h2></div>
            {fields}
            <p class="hint">"Your answers go into the description, and the plan is made again from it: agents, tasks and tools are replaced."</p>
            <Button on_press=answer disabled=is_empty>"Answer and plan again"</Button>
        </section>
    }
    .into_any()
}

/// The description with what was answered. The rules read words, so they get the answers alone; a
/// model needs to know to what they answer.
fn answered(prompt: &str, questions: &[String], answers: &[String], by_rules: bool) -> String {
    let mut text = prompt.trim_end().to_owned();
    for (question, answer) in questions.iter().zip(answers) {
        let answer = answer.trim();
        if answer.is_empty() {
            continue;
        }
        text.push_str("\n\n");
        if !by_rules {
            text.push_str(question);
            text.push('\n');
        }
        text.push_str(answer);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_go_into_the_description() {
        let questions = ["Which address?".to_owned(), "Which city?".to_owned()];
        let answers = [" https://a.example/x ".to_owned(), String::new()];
        assert_eq!(answered("Does it.\n", &questions, &answers, true), "Does it.\n\nhttps://a.example/x");
        assert_eq!(
            answered("Does it.", &questions, &answers, false),
            "Does it.\n\nWhich address?\nhttps://a.example/x"
        );
    }
}
