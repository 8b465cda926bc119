//! Cloud, model and export targets, seen from the matrix.

use serde_json::json;

use super::diagnose::{diagnostic, framework_patch, name, with_fix};
use super::{Diagnostic, Framework, Pattern, Severity, Support, support_in};
use crate::api::compatibility::{Compatibility, FrameworkEntry, ModelEntry};
use crate::spec::Spec;

/// What the cloud, the models and the export targets of a spec mean for one another.
pub(super) fn selection(matrix: &Compatibility, spec: &Spec, found: &mut Vec<Diagnostic>) {
    let Some(framework) = matrix.frameworks.iter().find(|entry| entry.id == spec.target.framework) else { return };
    restrictions(matrix, spec, framework, found);
    cloud(matrix, spec, framework, found);
    models(matrix, spec, found);
    exports(matrix, spec, framework, found);
}

/// Whether the generator does a pattern with a framework, and the instance allows it.
pub(super) fn is_allowed(matrix: &Compatibility, framework: Framework, pattern: Pattern) -> bool {
    support_in(matrix, framework, pattern).is_some_and(|cell| cell.support != Support::Unsupported)
        && !matrix.restrictions.iter().any(|restriction| {
            restriction.framework == framework && restriction.pattern.is_none_or(|other| other == pattern)
        })
}

fn restrictions(matrix: &Compatibility, spec: &Spec, framework: &FrameworkEntry, found: &mut Vec<Diagnostic>) {
    for restriction in &matrix.restrictions {
        let is_meant = restriction.framework == spec.target.framework
            && restriction.pattern.is_none_or(|pattern| pattern == spec.target.pattern);
        if !is_meant {
            continue;
        }
        let (path, what) = match restriction.pattern {
            Some(pattern) => ("/target/pattern", format!("{} with the pattern {}", framework.name, pattern.as_str())),
            None => ("/target/framework", framework.name.clone()),
        };
        let message = format!("this instance does not allow {what}: {}", restriction.reason);
        let mut refused = diagnostic(Severity::Error, "not_allowed_here", path, message);
        let allowed = |framework: Framework| is_allowed(matrix, framework, spec.target.pattern);
        for other in Framework::ALL.into_iter().filter(|other| *other != framework.id && allowed(*other)).take(3) {
            refused = with_fix(refused, format!("Use {}", name(other)), framework_patch(spec, other));
        }
        found.push(refused);
    }
}

fn cloud(matrix: &Compatibility, spec: &Spec, framework: &FrameworkEntry, found: &mut Vec<Diagnostic>) {
    let home: Vec<&str> = matrix
        .clouds
        .iter()
        .filter(|cloud| framework.clouds.contains(&cloud.id))
        .map(|cloud| cloud.name.as_str())
        .collect();
    let Some(chosen) = &spec.target.cloud else { return };
    let Some(cloud) = matrix.clouds.iter().find(|cloud| cloud.id == *chosen) else {
        let known: Vec<&str> = matrix.clouds.iter().map(|cloud| cloud.id.as_str()).collect();
        found.push(with_fix(
            diagnostic(
                Severity::Error,
                "cloud_unknown",
                "/target/cloud",
                format!("there is no cloud {chosen:?}; there are {}", known.join(", ")),
            ),
            "Leave it open",
            json!({"target": {"cloud": null}}),
        ));
        return;
    };
    if framework.clouds.contains(chosen) {
        return;
    }
    if framework.hosted {
        let mut refused = diagnostic(
            Severity::Error,
            "cloud_unsupported",
            "/target/cloud",
            format!("{} runs on {} only, not on {}", framework.name, home.join(" and "), cloud.name),
        );
        for id in &framework.clouds {
            let name = matrix.clouds.iter().find(|cloud| cloud.id == *id).map_or(id.as_str(), |cloud| &cloud.name);
            refused = with_fix(refused, format!("Use {name}"), json!({"target": {"cloud": id}}));
        }
        found.push(refused);
    } else {
        found.push(diagnostic(
            Severity::Info,
            "cloud_by_image",
            "/target/cloud",
            format!("{} is at home on {}; on {} it runs as an image", framework.name, home.join(" and "), cloud.name),
        ));
    }
}

fn models(matrix: &Compatibility, spec: &Spec, found: &mut Vec<Diagnostic>) {
    for (key, model) in &spec.models {
        let Some(known) = matrix.models.iter().find(|known| known.id == model.model) else { continue };
        let path = format!("/models/{key}/model");
        let calls_tools = spec
            .agents
            .iter()
            .any(|agent| agent.model == *key && (!agent.tools.is_empty() || !agent.handoffs.is_empty()));
        let fits = |other: &&ModelEntry| {
            other.id != known.id
                && spec.target.cloud.as_ref().is_none_or(|cloud| other.clouds.contains(cloud))
                && (!calls_tools || other.tools == Some(true))
        };
        let with_others = |mut refused: Diagnostic| {
            // The nearest first: of the same provider, then the others as they are listed.
            let mut others: Vec<&ModelEntry> = matrix.models.iter().filter(fits).collect();
            others.sort_by_key(|other| other.provider != known.provider);
            for other in others.into_iter().take(3) {
                let patch = json!({"models": {key: {"model": other.id}}});
                refused = with_fix(refused, format!("Use {}", other.name), patch);
            }
            refused
        };
        if let Some(cloud) = spec.target.cloud.as_ref().filter(|cloud| !known.clouds.contains(cloud)) {
            let name =
                matrix.clouds.iter().find(|entry| entry.id == *cloud).map_or(cloud.as_str(), |entry| &entry.name);
            found.push(with_others(diagnostic(
                Severity::Warning,
                "model_not_on_cloud",
                &path,
                format!("{} is not offered on {name}: the agent would call it elsewhere", known.name),
            )));
        }
        if calls_tools && known.tools == Some(false) {
            found.push(with_others(diagnostic(
                Severity::Warning,
                "model_without_tools",
                &path,
                format!("{} does not call tools, but its agents have some", known.name),
            )));
        }
    }
}

fn exports(matrix: &Compatibility, spec: &Spec, framework: &FrameworkEntry, found: &mut Vec<Diagnostic>) {
    for (index, id) in spec.target.exports.iter().enumerate() {
        let kept: Vec<&String> = spec.target.exports.iter().filter(|other| *other != id).collect();
        let patch = json!({"target": {"exports": kept}});
        let refused = match matrix.exports.iter().find(|export| export.id == *id) {
            None => {
                let known: Vec<&str> = matrix.exports.iter().map(|export| export.id.as_str()).collect();
                let message = format!("there is no export target {id:?}; there are {}", known.join(", "));
                diagnostic(Severity::Error, "export_unknown", format!("/target/exports/{index}"), message)
            }
            Some(export) if !framework.exports.contains(id) => {
                let message = format!("a project of {} cannot become: {}", framework.name, export.name);
                diagnostic(Severity::Error, "export_unsupported", format!("/target/exports/{index}"), message)
            }
            Some(_) => continue,
        };
        found.push(with_fix(refused, "Leave it out", patch));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::matrix::compatibility;
    use crate::matrix::diagnose::{diagnose, diagnose_in, is_sound};
    use crate::spec::{Builtin, from_value, merge_patch};

    fn value(change: impl FnOnce(&mut Value)) -> Value {
        let mut value = json!({
            "apiVersion": "gantry/v1", "kind": "Agent",
            "metadata": {"name": "a", "version": "0.1.0"},
            "target": {"framework": "react", "language": "python", "pattern": "react"},
            "models": {"default": {}},
            "agents": [{"id": "main", "role": "r", "instructions": "i", "tools": ["calculator"]}],
            "tools": [Builtin::Calculator.tool()],
        });
        change(&mut value);
        value
    }

    fn found(value: &Value) -> Vec<Diagnostic> {
        diagnose(&from_value(value.clone()).unwrap())
    }

    #[test]
    fn a_model_that_the_cloud_does_not_offer_is_named_and_mended() {
        let mut value = value(|value| {
            value["target"]["cloud"] = json!("gcp");
            value["models"]["default"]["model"] = json!("gpt-5.6");
        });
        let warned = found(&value);
        assert_eq!(warned[0].code, "model_not_on_cloud");
        assert!(is_sound(&warned));
        merge_patch(&mut value, &warned[0].fixes[0].patch);
        assert_eq!(found(&value), []);
        let model = value["models"]["default"]["model"].as_str().unwrap();
        let entry = compatibility().models.iter().find(|entry| entry.id == model).unwrap();
        assert!(entry.clouds.contains(&"gcp".to_owned()));
    }

    #[test]
    fn clouds_and_exports_that_are_not_there_are_refused_with_a_fix() {
        for (path, bad) in [("cloud", json!("mars")), ("exports", json!(["watsonx_orchestrate", "bogus"]))] {
            let mut value = value(|value| value["target"][path] = bad);
            while let Some(refused) = found(&value).into_iter().next() {
                assert!(!is_sound(std::slice::from_ref(&refused)), "{refused:?}");
                merge_patch(&mut value, &refused.fixes[0].patch);
            }
        }
    }

    #[test]
    fn what_an_instance_does_not_allow_is_refused_with_its_reason() {
        let spec = from_value(value(|_| {})).unwrap();
        let mut matrix = compatibility().clone();
        let restriction = |pattern| crate::api::compatibility::Restriction {
            framework: Framework::React,
            pattern,
            reason: "Ask the platform team.".to_owned(),
        };
        matrix.restrictions = vec![restriction(Some(Pattern::Graph))];
        assert_eq!(diagnose_in(&matrix, &spec), []);
        matrix.restrictions = vec![restriction(None)];
        let refused = diagnose_in(&matrix, &spec);
        assert_eq!(refused[0].code, "not_allowed_here");
        assert!(refused[0].message.contains("Ask the platform team."));
        // Its fix leads to what is allowed, and no other fix leads back to what is not.
        let mut mended = value(|_| {});
        merge_patch(&mut mended, &refused[0].fixes[0].patch);
        assert_eq!(diagnose_in(&matrix, &from_value(mended).unwrap()), []);
        let unsupported = from_value(value(|value| {
            value["target"]["framework"] = json!("crewai");
            value["target"]["pattern"] = json!("graph");
        }))
        .unwrap();
        let found = diagnose_in(&matrix, &unsupported);
        let refused = found.iter().find(|found| found.code == "pattern_unsupported").unwrap();
        assert!(refused.fixes.iter().all(|fix| fix.patch["target"]["framework"] != "react"));
    }

    #[test]
    fn every_id_in_the_matrix_leads_somewhere() {
        let matrix = compatibility();
        for entry in &matrix.frameworks {
            assert!(matrix.philosophies.iter().any(|known| known.id == entry.philosophy), "{}", entry.name);
        }
        let clouds: Vec<&String> = matrix.clouds.iter().map(|cloud| &cloud.id).collect();
        for (name, ids) in matrix
            .frameworks
            .iter()
            .map(|entry| (&entry.name, &entry.clouds))
            .chain(matrix.models.iter().map(|entry| (&entry.name, &entry.clouds)))
        {
            assert!(ids.iter().all(|id| clouds.contains(&id)), "{name}");
        }
        for entry in &matrix.frameworks {
            assert!(
                entry.exports.iter().all(|id| matrix.exports.iter().any(|export| export.id == *id)),
                "{}",
                entry.name
            );
        }
        for model in &matrix.models {
            assert_eq!(model.verified_on.is_some(), !model.source.is_empty(), "{}", model.id);
        }
    }
}
