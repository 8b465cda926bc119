//! What runs asked of models: a chart by day, and sums by project and model.

use std::collections::BTreeMap;

use gantry_domain::api::usage::{UsageItem, UsageReport};
use leptos::prelude::*;

use crate::api::{calls, encode};
use crate::load::{load, loaded};
use crate::parts::money::money_text;
use crate::parts::{EmptyState, skeleton_block};

/// What the chart's bars are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    /// Dollars.
    Cost,
    /// Tokens sent and received.
    Tokens,
    /// How many runs.
    Runs,
}

impl Measure {
    fn of(self, item: &UsageItem) -> i64 {
        match self {
            Self::Cost => item.cost_micros,
            Self::Tokens => item.input_tokens.saturating_add(item.output_tokens),
            Self::Runs => item.runs,
        }
    }

    fn text(self, amount: i64) -> String {
        match self {
            Self::Cost => money_text(amount),
            Self::Tokens => format!("{} tokens", grouped(amount)),
            Self::Runs if amount == 1 => "1 run".to_owned(),
            Self::Runs => format!("{} runs", grouped(amount)),
        }
    }
}

/// A count with thin gaps between its thousands.
fn grouped(count: i64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && digit.is_ascii_digit() {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// The sums of a project and a model over all days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Sum {
    runs: i64,
    input_tokens: i64,
    output_tokens: i64,
    cost_micros: i64,
    unpriced_runs: i64,
}

/// The sums by project, provider and model, those that cost most first, then those with the most tokens.
fn sums(items: &[UsageItem]) -> Vec<((String, String), Sum)> {
    let mut sums = BTreeMap::<(String, String), Sum>::new();
    for item in items {
        let model = match &item.provider {
            Some(provider) => format!("{} at {provider}", item.model),
            None => item.model.clone(),
        };
        let sum = sums.entry((item.project.clone(), model)).or_default();
        sum.runs += item.runs;
        sum.input_tokens += item.input_tokens;
        sum.output_tokens += item.output_tokens;
        sum.cost_micros += item.cost_micros;
        // The rehearsal model has no price because it costs nothing.
        sum.unpriced_runs += if item.model == "rehearsal" && item.provider.is_none() { 0 } else { item.unpriced_runs };
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by_key(|(_, sum)| std::cmp::Reverse((sum.cost_micros, sum.input_tokens + sum.output_tokens, sum.runs)));
    sums
}

/// What each day amounts to.
fn by_day(report: &UsageReport, measure: Measure) -> Vec<(String, i64)> {
    let mut amounts: BTreeMap<&str, i64> = report.days.iter().map(|day| (day.as_str(), 0)).collect();
    for item in &report.items {
        if let Some(amount) = amounts.get_mut(item.day.as_str()) {
            *amount += measure.of(item);
        }
    }
    amounts.into_iter().map(|(day, amount)| (day.to_owned(), amount)).collect()
}

/// The bars. Their numbers are in the bars' names and, summed, in the table below.
fn chart(report: &UsageReport, measure: Measure) -> AnyView {
    let amounts = by_day(report, measure);
    let total: i64 = amounts.iter().map(|(_, amount)| amount).sum();
    let highest = amounts.iter().map(|(_, amount)| *amount).max().unwrap_or(0);
    let (first, last) =
        (report.days.first().cloned().unwrap_or_default(), report.days.last().cloned().unwrap_or_default());
    let label = format!("{} from {first} to {last}, at most {} on a day.", measure.text(total), measure.text(highest));
    let width = amounts.len() * 10;
    let bars = amounts
        .into_iter()
        .enumerate()
        .map(|(index, (day, amount))| {
            let height = if amount == 0 { 0.0 } else { (amount as f64 / highest as f64 * 100.0).max(1.5) };
            let name = format!("{day}: {}", measure.text(amount));
            view! {
                <g>
                    <title>{name}</title>
                    <rect class="usage-day" x=index * 10 y="0" width="10" height="100"/>
                    <rect class="usage-bar" x=index * 10 + 1 y=100.0 - height width="8" height=height/>
                </g>
            }
        })
        .collect_view();
    view! {
        <figure class="usage-chart">
            <figcaption><b>{measure.text(total)}</b> <span class="faint">" at most " {measure.text(highest)} " on a day"</span></figcaption>
            <svg role="img" aria-label=label viewBox=format!("0 0 {width} 100") preserveAspectRatio="none">{bars}</svg>
            <p class="usage-ends faint"><span>{first}</span><span>{last}</span></p>
        </figure>
    }
    .into_any()
}

fn table(report: &UsageReport) -> AnyView {
    let sums = sums(&report.items);
    let unpriced: i64 = sums.iter().map(|(_, sum)| sum.unpriced_runs).sum();
    let rows = sums
        .into_iter()
        .map(|((project, model), sum)| {
            let href = format!("/projects/{}", encode(&project));
            let cost = if sum.runs == sum.unpriced_runs { "no price".to_owned() } else { money_text(sum.cost_micros) };
            view! {
                <tr>
                    <td class="main-cell"><a href=href>{project}</a><span class="sub">{model}</span></td>
                    <td class="end">{grouped(sum.runs)}</td>
                    <td class="end wide-only">{grouped(sum.input_tokens)}</td>
                    <td class="end wide-only">{grouped(sum.output_tokens)}</td>
                    <td class="end">{cost}</td>
                </tr>
            }
        })
        .collect_view();
    let note = (unpriced > 0).then(|| {
        let runs = Measure::Runs.text(unpriced);
        view! { <p class="hint">{runs} " not in the cost: their model’s price is not known. Enter it at the provider; it counts from the next run on."</p> }
    });
    view! {
        <div class="table-frame">
            <table class="table compact">
                <caption class="visually-hidden">"Usage by project and model"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Project and model"</th>
                        <th scope="col" class="end">"Runs"</th>
                        <th scope="col" class="end wide-only">"Tokens in"</th>
                        <th scope="col" class="end wide-only">"Tokens out"</th>
                        <th scope="col" class="end">"Cost"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        {note}
    }
    .into_any()
}

/// The usage of the last days, of all providers.
#[component]
pub(super) fn Usage() -> impl IntoView {
    let days = RwSignal::new(30_i64);
    let measure = RwSignal::new(Measure::Cost);
    let report = load(move || {
        let days = days.get();
        async move { calls::usage(days).await }
    });
    let range = move |count: i64, word: &'static str| {
        view! {
            <button type="button" aria-pressed=move || (days.get() == count).to_string() on:click=move |_| days.set(count)>{word}</button>
        }
    };
    let choice = move |which: Measure, word: &'static str| {
        view! {
            <button type="button" aria-pressed=move || (measure.get() == which).to_string() on:click=move |_| measure.set(which)>{word}</button>
        }
    };
    let shown = loaded(report, "The usage", skeleton_block, move |report: UsageReport| {
        if report.items.is_empty() {
            let text = "What runs and chats ask of models is summed here by day, project and model.";
            return view! { <EmptyState title="No runs on these days" text/> }.into_any();
        }
        let sums = table(&report);
        view! {
            {move || chart(&report, measure.get())}
            {sums}
        }
        .into_any()
    });
    view! {
        <section class="usage" aria-labelledby="usage-title">
            <div class="usage-head">
                <h2 id="usage-title">"Usage"</h2>
                <div class="switcher" role="group" aria-label="What is shown">
                    {choice(Measure::Cost, "Cost")} {choice(Measure::Tokens, "Tokens")} {choice(Measure::Runs, "Runs")}
                </div>
                <div class="switcher" role="group" aria-label="Days">
                    {range(7, "7 days")} {range(30, "30 days")} {range(90, "90 days")}
                </div>
            </div>
            {shown}
            <p class="hint">"Days are in UTC. Runs of deleted projects are not in it."</p>
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(day: &str, project: &str, model: &str, cost_micros: i64, unpriced_runs: i64) -> UsageItem {
        UsageItem {
            day: day.to_owned(),
            project_id: uuid::Uuid::nil(),
            project: project.to_owned(),
            provider_id: None,
            provider: (model != "rehearsal").then(|| "p".to_owned()),
            model: model.to_owned(),
            runs: 2,
            model_calls: 2,
            input_tokens: 1_000,
            output_tokens: 10,
            cost_micros,
            unpriced_runs,
        }
    }

    #[test]
    fn sums_begin_with_what_costs_most_and_days_without_runs_are_days() {
        let days = ["2026-11-19", "2026-11-20", "2026-11-21"].map(str::to_owned).to_vec();
        let items = vec![
            item("2026-11-19", "a", "m", 5, 0),
            item("2026-11-21", "a", "m", 6, 1),
            item("2026-11-21", "b", "m", 500, 0),
            item("2026-11-21", "b", "rehearsal", 0, 2),
        ];
        let report = UsageReport { days, items };
        let amounts: Vec<i64> = by_day(&report, Measure::Cost).into_iter().map(|(_, amount)| amount).collect();
        assert_eq!(amounts, [5, 0, 506]);
        let found = sums(&report.items);
        let names: Vec<&str> = found.iter().map(|((project, _), _)| project.as_str()).collect();
        assert_eq!(names, ["b", "a", "b"]);
        assert_eq!((found[1].1.runs, found[1].1.cost_micros, found[1].1.unpriced_runs), (4, 11, 1));
        assert_eq!(found[2].1.unpriced_runs, 0, "a rehearsal has no price to be entered");
    }

    #[test]
    fn amounts_are_for_people() {
        assert_eq!([0, 12, 1_234, 1_234_567].map(grouped), ["0", "12", "1\u{202f}234", "1\u{202f}234\u{202f}567"]);
        assert_eq!(Measure::Runs.text(1), "1 run");
    }
}
