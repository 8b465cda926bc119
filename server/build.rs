//! Tells cargo what the compiler does not see: the migrations are read by a macro.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
