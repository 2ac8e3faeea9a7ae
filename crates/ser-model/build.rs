//! Lets programs, tests and examples find libtorch with no environment variable set: of this crate, and of every other
//! that links it and names this file as its build script.

fn main() {
    // torch-sys tells its folder to its direct dependents only, and a run path is not inherited.
    if let Ok(lib) = std::env::var("DEP_TCH_LIBTORCH_LIB") {
        // The workspace's `.libtorch` is a link: name the folder it leads to, so that the built
        // program outlives the checkout.
        let lib = std::fs::canonicalize(&lib).unwrap_or_else(|_| lib.into());
        println!("cargo:rustc-link-arg=-Wl,-rpath,{}", lib.display());
        // Where the linker knows both kinds of run path, the one that LD_LIBRARY_PATH does not overrule: another
        // libtorch in there would keep the program from starting.
        if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
            println!("cargo:rustc-link-arg=-Wl,--disable-new-dtags");
        }
    }
}
