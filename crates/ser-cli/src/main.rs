//! The `ser` program.

fn main() -> ! {
    ser_cli::main(std::env::args_os())
}
