//! How text reaches a terminal: named intents, named styles, and the drawings that several commands share.
//!
//! Fed by `cli` and `report`; knows `model` only to draw traces. Everything that draws returns text for a [`Look`] (how wide, with
//! colour or not, UTF-8 or not), and only [`Ui`] writes. Names that came over the network pass [`text::clean`] before they are
//! drawn, so that no span can move the cursor.

mod bar;
mod branches;
pub mod checklist;
pub mod layers;
pub mod links;
pub mod look;
pub mod names;
mod pass;
pub mod progress;
pub mod rows;
pub mod snippet;
pub mod text;
pub mod trace_tree;
pub mod tree;
pub mod ui;
pub mod waterfall;

pub use look::{ColorOption, Look, Role};
pub use names::ServiceNames;
pub use pass::Pass;
pub use progress::Progress;
pub use ui::{Captured, Eraser, Ui, UiOptions};
