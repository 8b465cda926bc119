//! Plans: proposed specs made from a sentence. The rules are the generator's; a plan is not kept,
//! it becomes a project when somebody creates one from its spec.

pub(crate) mod http;
