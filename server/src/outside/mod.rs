//! The foreign systems, one room each. What is here knows a protocol and nothing of Gantry: it
//! never imports the database or a noun.
