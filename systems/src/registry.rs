//! The systems that a schedule can name.

use components::batch::Access;

use crate::emit::{Emit, EmitView};
use crate::filter_log::{FilterHostView, FilterInputView, FilterLog, FilterOutputView, Hook};
use crate::limit::{Limit, LimitView};
use crate::nat::{Nat, NatView};
use crate::neighbor::{Neighbor, NeighborView};
use crate::parse::{Parse, ParseView};
use crate::policy::{Policy, PolicyView};
use crate::reject::{Reject, RejectView};
use crate::rewrite::{Rewrite, RewriteView};
use crate::schedule::settings::Settings;
use crate::screen::{Screen, ScreenView};
use crate::system::System;

/// Declares names, access sets and constructors in one list.
macro_rules! registry {
    ($($name:literal: $view:ident, |$settings:ident| $build:expr;)+) => {
        /// All names, in the order in which they make sense.
        pub const NAMES: &[&str] = &[$($name,)+];

        /// What a system reads and writes, without building it; `None` for names that do not exist.
        #[must_use]
        pub fn access_of(name: &str) -> Option<Access> {
            match name {
                $($name => Some($view::ACCESS),)+
                _ => None,
            }
        }

        /// The system of a name.
        #[must_use]
        pub fn build(name: &str, settings: &Settings) -> Option<Box<dyn System>> {
            match name {
                $($name => { let $settings = settings; Some(Box::new($build)) })+
                _ => None,
            }
        }
    };
}

registry! {
    "parse": ParseView, |s| Parse::new(&s.parse);
    "filter-log:input": FilterInputView, |_s| FilterLog::new(Hook::Input);
    "screen": ScreenView, |s| Screen::new(&s.screen);
    "policy": PolicyView, |_s| Policy::default();
    "filter-log:lo0": FilterHostView, |_s| FilterLog::new(Hook::Lo0);
    "neighbor": NeighborView, |_s| Neighbor;
    "nat": NatView, |_s| Nat;
    "filter-log:output": FilterOutputView, |_s| FilterLog::new(Hook::Output);
    "reject": RejectView, |s| Reject::new(&s.reject);
    "rewrite": RewriteView, |_s| Rewrite::default();
    "limit": LimitView, |s| Limit::new(&s.limit);
    "emit": EmitView, |_s| Emit;
}
