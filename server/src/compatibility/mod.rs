//! The compatibility matrix and the schema of a spec, as the domain has them. Nothing is kept here.

pub(crate) mod http;
