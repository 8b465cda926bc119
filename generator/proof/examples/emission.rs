//! Says how long it takes from a spec to the files of its project: `cargo run --release -p gantry-proof
//! --example emission`.

fn main() -> anyhow::Result<()> {
    for (cell, milliseconds) in gantry_proof::emission()? {
        println!("{milliseconds:.2} ms  {cell}");
    }
    Ok(())
}
