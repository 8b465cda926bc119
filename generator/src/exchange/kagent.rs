//! A manifest for kagent, which runs agents on Kubernetes: a resource `Agent` of `kagent.dev/v1alpha2` and of
//! the type `BYO`, so that the published image runs there as it is.
//!
//! The type `Declarative` would not be this project: kagent then interprets the instructions itself, without
//! the project's code, its pattern or its tools.

use gantry_domain::spec::Spec;
use gantry_domain::spec::yaml;
use serde_json::{Value, json};

use crate::emit::settings;

/// The longest name of a service in Kubernetes (RFC 1035, a label).
const LONGEST_NAME: usize = 63;

/// The manifest for an image, named with its digest (`host/repository@sha256:…`); none for a framework whose
/// projects become no image.
pub fn export(spec: &Spec, image: &str) -> Option<String> {
    let settings = settings(spec)?;
    let name = resource_name(spec.metadata.name.as_str());
    let secret = format!("{name}-settings");
    let variables: Vec<Value> = settings
        .iter()
        .map(|setting| {
            let mut reference = json!({ "name": secret, "key": setting.name });
            if !setting.is_required {
                reference["optional"] = json!(true);
            }
            json!({ "name": setting.name, "valueFrom": { "secretKeyRef": reference } })
        })
        .collect();
    let manifest = json!({
        "apiVersion": "kagent.dev/v1alpha2",
        "kind": "Agent",
        "metadata": {
            "name": name,
            "labels": { "app.kubernetes.io/name": name, "app.kubernetes.io/managed-by": "gantry" },
            "annotations": { "app.kubernetes.io/version": spec.metadata.version },
        },
        "spec": {
            "type": "BYO",
            "description": spec.metadata.description,
            "byo": {
                "deployment": {
                    "image": image,
                    "env": variables,
                    "securityContext": {
                        "allowPrivilegeEscalation": false,
                        "capabilities": { "drop": ["ALL"] },
                        "runAsNonRoot": true,
                    },
                },
            },
        },
    });
    let mut text = format!(
        "# The agent {name} for kagent (kagent.dev/v1alpha2, BYO): its image runs as it is.\n\
         #\n\
         # It needs in its namespace, before it is applied:\n\
         #   * kagent, with the resources of kagent.dev/v1alpha2;\n\
         #   * the right to pull the image; for a private registry, name a pull secret under\n\
         #     spec.byo.deployment.imagePullSecrets;\n\
         #   * a secret with the settings:\n\
         #       kubectl create secret generic {secret}"
    );
    for setting in settings.iter().filter(|setting| setting.is_required) {
        text.push_str(&format!(" \\\n#         --from-literal={}=…", setting.name));
    }
    let optional: Vec<&str> =
        settings.iter().filter(|setting| !setting.is_required).map(|setting| setting.name.as_str()).collect();
    if !optional.is_empty() {
        text.push_str(&format!("\n#     It may also have: {}.", optional.join(", ")));
    }
    text.push_str(&format!(
        "\n#\n\
         # In the cluster it answers at http://{name}:8080: /a2a (A2A 1.0), /agui (AG-UI 1.0), /healthz.\n\
         # kagent runs it and knows by its agent card that it is ready. Its own chat speaks A2A as it was before\n\
         # 1.0, which this agent does not answer: ask it at the addresses above.\n\n"
    ));
    text.push_str(&yaml::write_value(&manifest));
    Some(text)
}

/// A project's name as Kubernetes takes it for a service: it begins with a letter and is not too long.
fn resource_name(name: &str) -> String {
    let named = if name.starts_with(|letter: char| letter.is_ascii_lowercase()) {
        name.to_owned()
    } else {
        format!("agent-{name}")
    };
    named.chars().take(LONGEST_NAME).collect::<String>().trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_such_as_a_service_may_have() {
        assert_eq!(resource_name("weather"), "weather");
        assert_eq!(resource_name("7-days"), "agent-7-days");
        assert!(resource_name(&"a".repeat(80)).len() <= LONGEST_NAME);
    }
}
