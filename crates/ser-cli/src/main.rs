//! The `ser` program, whose code is in the library of this crate.

fn main() -> ! {
    ser_cli::main(std::env::args_os())
}
