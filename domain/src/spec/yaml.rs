//! A spec as YAML text.
