//! This process: what it gives up, what it is confined to, who opened its ports, and whom it
//! reports to. Knows no mail.
//!
//! A server does these in order, before it starts a thread, since what Linux takes away it takes
//! from a thread and those that come after it:
//!
//! 1. [`Manager::of_environment`] and [`handed_sockets`]: what the service manager has given;
//! 2. [`raise_open_files`], then bind the ports that were not handed over;
//! 3. [`give_up`]: become somebody harmless for good;
//! 4. [`confine`]: reach only these files;
//! 5. start the runtime, open the store, and [`Manager::tell`] that it is [`State::Ready`].

mod activation;
mod confinement;
mod identity;
mod manager;
mod open_files;
mod privilege;

pub use activation::{ActivationError, Handed, handed_sockets};
pub use confinement::{Confinement, Level, confine};
pub use identity::{Identity, IdentityError};
pub use manager::{Manager, State};
pub use open_files::raise_open_files;
pub use privilege::{PrivilegeError, act_for, give_up, is_root};
