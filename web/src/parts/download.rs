//! Saving a text that the browser made as a file.

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::HtmlAnchorElement;

/// Saves a text under this name; false when the browser cannot.
pub(crate) fn save_text(name: &str, text: &str) -> bool {
    let save = || -> Result<(), JsValue> {
        let blob = web_sys::Blob::new_with_str_sequence(&js_sys::Array::of1(&JsValue::from_str(text)))?;
        let address = web_sys::Url::create_object_url_with_blob(&blob)?;
        let link: HtmlAnchorElement = document().create_element("a")?.unchecked_into();
        link.set_href(&address);
        link.set_download(name);
        link.click();
        // The browser has begun to read it by then.
        set_timeout(
            move || {
                let _ = web_sys::Url::revoke_object_url(&address);
            },
            std::time::Duration::from_secs(10),
        );
        Ok(())
    };
    save().is_ok()
}

/// A name for a file: what stands for anything else in paths is left out.
pub(crate) fn file_name(text: &str) -> String {
    let name: String = text
        .chars()
        .map(|letter| if letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.') { letter } else { '-' })
        .collect();
    let name = name.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    let short: String = name.chars().take(60).collect();
    if short.is_empty() { "file".to_owned() } else { short }
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn names_of_files_have_no_paths_in_them() {
        assert_eq!(file_name("How is / the weather?"), "How-is-the-weather");
        assert_eq!(file_name("../../etc"), "..-..-etc");
        assert_eq!(file_name("?"), "file");
    }
}
