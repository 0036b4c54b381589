//! The desk of agents: [`crate::console::inquiries`] lists inquiries, [`file`] shows one with everything around it, [`reply`] answers it,
//! [`templates`] is where leads keep what answers begin with.

mod asked;
mod file;
mod presence;
mod reply;
mod similar;
mod templates;

pub(super) use asked::{Asked, lists, place};
pub(super) use file::page;
pub(super) use presence::{Here, here, set as set_presence};
pub(super) use reply::send;
pub(super) use similar::Similar;
pub(super) use templates::{
    add as add_template, change as change_template, page as templates_page, retire as retire_template,
};
