//! The pages for people: as HTML, and in a real browser against the real program.

mod assets;
mod beside;
mod html;
mod in_browser;
mod scene;
