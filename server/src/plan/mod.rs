//! Plans: proposed specs made from a sentence. The rules are the generator's; here a model may write
//! one instead. A plan is not kept, it becomes a project when somebody creates one from its spec.

pub(crate) mod http;
mod model;
