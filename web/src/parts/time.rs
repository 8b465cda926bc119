//! Moments, durations and sizes for people.

use gantry_domain::Timestamp;
use leptos::prelude::*;

/// How often the words about moments are brought up to date, in milliseconds.
const TICK_MILLIS: u32 = 10_000;

/// The browser's clock, which moves on every ten seconds.
#[derive(Clone, Copy)]
pub(crate) struct Clock(RwSignal<Timestamp>);

/// Now, by the browser's clock.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_micros((js_sys::Date::now() * 1_000.0) as i64)
}

impl Clock {
    /// Makes it available to every component below.
    pub(crate) fn provide() {
        let moment = RwSignal::new(now());
        provide_context(Self(moment));
        leptos::task::spawn_local(async move {
            loop {
                gloo_timers::future::TimeoutFuture::new(TICK_MILLIS).await;
                moment.set(now());
            }
        });
    }
}

/// How long ago a moment was; the moment itself is in the tooltip.
#[component]
pub(crate) fn TimeAgo(
    /// The moment.
    at: Timestamp,
) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let moment = at.to_string();
    view! {
        <time datetime=moment.clone() title=moment>
            {move || ago_text(clock.0.get().millis_since(at))}
        </time>
    }
    .into_any()
}

/// "3 min ago" for a number of milliseconds; moments ahead, as clocks differ, are "just now".
pub(crate) fn ago_text(millis: i64) -> String {
    let seconds = millis / 1_000;
    match seconds {
        ..10 => "just now".to_owned(),
        10..60 => format!("{} s ago", seconds / 10 * 10),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        86_400..5_184_000 => format!("{} d ago", seconds / 86_400),
        _ => format!("{} months ago", seconds / 2_592_000),
    }
}

/// "840 ms", "12.3 s", "4 min 05 s", "2 h 10 min".
pub(crate) fn duration_text(millis: i64) -> String {
    let millis = millis.max(0);
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        60_000..3_600_000 => format!("{} min {:02} s", millis / 60_000, millis % 60_000 / 1_000),
        _ => format!("{} h {:02} min", millis / 3_600_000, millis % 3_600_000 / 60_000),
    }
}

/// "512 B", "4.2 kB", "61.0 MB": decimal units, as registries count.
pub(crate) fn size_text(bytes: i64) -> String {
    let bytes = bytes.max(0);
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64;
    let mut unit = "B";
    for larger in ["kB", "MB", "GB", "TB"] {
        if size < 999.95 {
            break;
        }
        size /= 1_000.0;
        unit = larger;
    }
    format!("{size:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_said_in_the_largest_unit_that_fits() {
        for (millis, text) in [
            (-5_000, "just now"),
            (9_999, "just now"),
            (35_000, "30 s ago"),
            (60_000, "1 min ago"),
            (7_200_000, "2 h ago"),
            (172_800_000, "2 d ago"),
            (7_776_000_000, "3 months ago"),
        ] {
            assert_eq!(ago_text(millis), text);
        }
    }

    #[test]
    fn durations_keep_two_units() {
        for (millis, text) in
            [(0, "0 ms"), (999, "999 ms"), (12_345, "12.3 s"), (245_000, "4 min 05 s"), (7_800_000, "2 h 10 min")]
        {
            assert_eq!(duration_text(millis), text);
        }
    }

    #[test]
    fn sizes_are_decimal() {
        for (bytes, text) in
            [(0, "0 B"), (999, "999 B"), (4_200, "4.2 kB"), (999_990, "1.0 MB"), (61_000_000, "61.0 MB")]
        {
            assert_eq!(size_text(bytes), text);
        }
    }
}
