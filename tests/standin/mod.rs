//! The stand-ins as whoever calls them sees them: over HTTP, by hand and with the real SDK.

mod externals;
mod judged;
mod play;
mod sdk;
mod stand;
mod trigger;
