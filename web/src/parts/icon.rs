//! Icons as path data (Lucide's geometry, ISC licence): only those used reach the browser.

use leptos::prelude::*;

/// The icons, by what they stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Icon {
    Logo,
    Search,
    Project,
    Activity,
    Settings,
    Chat,
    File,
    Folder,
    Build,
    Image,
    Overview,
    Key,
    Model,
    Registry,
    Secret,
    Tool,
    Sun,
    Moon,
    Monitor,
    Plus,
    Check,
    Cross,
    Stop,
    Pause,
    Clock,
    Copy,
    Download,
    External,
    Retry,
    Trash,
    Edit,
    Undo,
    History,
    Warning,
    Info,
    Forward,
    Down,
    Up,
    Send,
    SignOut,
    Spinner,
    More,
    Keyboard,
    Pipeline,
    Agent,
    Branch,
    Redo,
    Fit,
    Arrange,
    Minus,
    List,
    Play,
    Person,
    Attach,
    Link,
    Upload,
}

impl Icon {
    fn path(self) -> &'static str {
        match self {
            Self::Logo => "M4 5h16M7 5v15M17 5v15M12 5v6M9.5 11h5v4h-5z",
            Self::Search => "m21 21-4.3-4.3M11 19a8 8 0 1 1 0-16 8 8 0 0 1 0 16z",
            Self::Project => {
                "M21 8a2 2 0 0 0-1-1.73l-7-4a2 2 0 0 0-2 0l-7 4A2 2 0 0 0 3 8v8a2 2 0 0 0 1 1.73l7 4a2 2 0 0 0 2 0l7-4A2 2 0 0 0 21 16ZM3.3 7l8.7 5 8.7-5M12 22V12"
            }
            Self::Activity => "M22 12h-4l-3 9L9 3l-3 9H2",
            Self::Settings => "M20 7h-9M14 17H5M17 20a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM7 10a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
            Self::Chat => "M21 15a2 2 0 0 1-2 2H7l-4 4V5a2 2 0 0 1 2-2h14a2 2 0 0 1 2 2z",
            Self::File => "M14 2H6a2 2 0 0 0-2 2v16a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2V8zM14 2v6h6",
            Self::Folder => {
                "M4 20h16a2 2 0 0 0 2-2V8a2 2 0 0 0-2-2h-7.9a2 2 0 0 1-1.7-.9l-.8-1.2A2 2 0 0 0 7.9 3H4a2 2 0 0 0-2 2v13a2 2 0 0 0 2 2z"
            }
            Self::Build => {
                "m15 12-8.5 8.5a2.1 2.1 0 1 1-3-3L12 9M17.6 15 22 10.6M20.9 11.7l-1.3-1.3c-.6-.6-.9-1.4-.9-2.2v-.9L16 4.6a5.6 5.6 0 0 0-4-1.6H9l.9.8A6.2 6.2 0 0 1 12 8.4V10l2 2h1.2c.8 0 1.6.3 2.2.9l1.3 1.3"
            }
            Self::Image => "m12 2 9 5-9 5-9-5zM3 12l9 5 9-5M3 17l9 5 9-5",
            Self::Overview => "M3 3h7v9H3zM14 3h7v5h-7zM14 12h7v9h-7zM3 16h7v5H3z",
            Self::Key => {
                "m21 2-2 2m-7.6 7.6a5.5 5.5 0 1 1-7.8 7.8 5.5 5.5 0 0 1 7.8-7.8zm0 0L15.5 7.5m0 0 3 3L22 7l-3-3m-3.5 3.5L19 4"
            }
            Self::Model => "M5 5h14v14H5zM9 9h6v6H9zM9 1v4M15 1v4M9 19v4M15 19v4M19 9h4M19 14h4M1 9h4M1 14h4",
            Self::Registry => "M4 3h16v7H4zM4 14h16v7H4zM8 6.5h.01M8 17.5h.01",
            Self::Secret => "M5 11h14v10H5zM8 11V7a4 4 0 0 1 8 0v4",
            Self::Tool => {
                "M14.7 6.3a1 1 0 0 0 0 1.4l1.6 1.6a1 1 0 0 0 1.4 0l3.8-3.8a6 6 0 0 1-7.9 7.9l-6.9 6.9a2.1 2.1 0 0 1-3-3l6.9-6.9a6 6 0 0 1 7.9-7.9z"
            }
            Self::Sun => {
                "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2v2M12 20v2M4.9 4.9l1.4 1.4M17.7 17.7l1.4 1.4M2 12h2M20 12h2M6.3 17.7l-1.4 1.4M19.1 4.9l-1.4 1.4"
            }
            Self::Moon => "M12 3a6 6 0 0 0 9 9 9 9 0 1 1-9-9Z",
            Self::Monitor => "M4 3h16a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2zM8 21h8M12 17v4",
            Self::Plus => "M5 12h14M12 5v14",
            Self::Check => "M20 6 9 17l-5-5",
            Self::Cross => "M18 6 6 18M6 6l12 12",
            Self::Stop => "M6 6h12v12H6z",
            Self::Pause => "M8 5v14M16 5v14",
            Self::Clock => "M12 22a10 10 0 1 0 0-20 10 10 0 0 0 0 20zM12 6v6l4 2",
            Self::Copy => "M9 9h12v12H9zM5 15H3V3h12v2",
            Self::Download => "M21 15v6H3v-6M7 10l5 5 5-5M12 15V3",
            Self::External => "M15 3h6v6M10 14 21 3M18 13v8H3V6h8",
            Self::Retry => "M21 12a9 9 0 1 1-2.6-6.4L21 8M21 3v5h-5",
            Self::Trash => "M3 6h18M8 6V3h8v3M6 6l1 15h10l1-15",
            Self::Edit => "M12 20h9M16.5 3.5a2.1 2.1 0 0 1 3 3L7 19l-4 1 1-4z",
            Self::Undo => "M9 14 4 9l5-5M4 9h10.5a5.5 5.5 0 0 1 0 11H11",
            Self::History => "M3 12a9 9 0 1 0 9-9 9.75 9.75 0 0 0-6.74 2.74L3 8M3 3v5h5M12 7v5l4 2",
            Self::Warning => "m12 3 10 18H2zM12 10v4M12 17.5h.01",
            Self::Info => "M12 22a10 10 0 1 0 0-20 10 10 0 0 0 0 20zM12 16v-5M12 8h.01",
            Self::Forward => "m9 18 6-6-6-6",
            Self::Down => "m6 9 6 6 6-6",
            Self::Up => "m18 15-6-6-6 6",
            Self::Send => "m5 12 7-7 7 7M12 19V5",
            Self::SignOut => "M9 21H4V3h5M16 17l5-5-5-5M21 12H9",
            Self::Spinner => "M21 12a9 9 0 1 1-6.2-8.6",
            Self::More => "M12 12h.01M19 12h.01M5 12h.01",
            Self::Keyboard => "M2 5h20v14H2zM6 9h.01M10 9h.01M14 9h.01M18 9h.01M6 13h.01M18 13h.01M9 13h6",
            Self::Pipeline => "M3 3h8v8H3zM13 13h8v8h-8zM7 11v4a2 2 0 0 0 2 2h4",
            Self::Agent => "M12 8V4H8M4 8h16v12H4zM2 14h2M20 14h2M15 13v2M9 13v2",
            Self::Branch => "M16 3h5v5M8 3H3v5M12 22v-8.3a4 4 0 0 0-1.2-2.9L3 3M15 9l6-6",
            Self::Redo => "m15 14 5-5-5-5M20 9H9.5a5.5 5.5 0 0 0 0 11H13",
            Self::Fit => {
                "M8 3H5a2 2 0 0 0-2 2v3M21 8V5a2 2 0 0 0-2-2h-3M3 16v3a2 2 0 0 0 2 2h3M16 21h3a2 2 0 0 0 2-2v-3"
            }
            Self::Arrange => "M3 3h7v7H3zM14 3h7v7h-7zM14 14h7v7h-7zM3 14h7v7H3z",
            Self::Minus => "M5 12h14",
            Self::List => "M8 6h13M8 12h13M8 18h13M3 6h.01M3 12h.01M3 18h.01",
            Self::Play => "M6 3l14 9-14 9z",
            Self::Person => "M20 21a8 8 0 0 0-16 0M12 13a5 5 0 1 0 0-10 5 5 0 0 0 0 10z",
            Self::Attach => {
                "m21.4 11.1-9.2 9.2a6 6 0 0 1-8.5-8.5l8.6-8.6a4 4 0 1 1 5.7 5.7l-8.6 8.6a2 2 0 0 1-2.8-2.8l8.5-8.5"
            }
            Self::Link => {
                "M10 13a5 5 0 0 0 7.5.5l3-3a5 5 0 0 0-7-7l-1.8 1.7M14 11a5 5 0 0 0-7.5-.5l-3 3a5 5 0 0 0 7 7l1.7-1.7"
            }
            Self::Upload => "M21 15v6H3v-6M17 8l-5-5-5 5M12 3v12",
        }
    }
}

/// An icon, 16 px, in the colour of the text. It says nothing to a screen reader: a word goes with it.
pub(crate) fn icon(icon: Icon) -> AnyView {
    let class = if icon == Icon::Spinner { "icon spin" } else { "icon" };
    view! { <svg class=class viewBox="0 0 24 24" aria-hidden="true"><path d=icon.path()/></svg> }.into_any()
}
