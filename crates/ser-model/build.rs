//! Sets the run path of programs, tests and examples, so that they find libtorch without an environment variable. Other
//! crates that link libtorch name this file as their build script.

fn main() {
    // torch-sys passes the folder of libtorch to its direct dependents only, and a run path is not inherited.
    if let Ok(lib) = std::env::var("DEP_TCH_LIBTORCH_LIB") {
        // The workspace's `.libtorch` is a link. The run path names the folder that the link leads to, so that
        // the program still starts after the checkout is deleted.
        let lib = std::fs::canonicalize(&lib).unwrap_or_else(|_| lib.into());
        println!("cargo:rustc-link-arg=-Wl,-rpath,{}", lib.display());
        // Linkers on Linux know two kinds of run path. This selects the kind that LD_LIBRARY_PATH does not
        // override: another libtorch in LD_LIBRARY_PATH would keep the program from starting.
        if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
            println!("cargo:rustc-link-arg=-Wl,--disable-new-dtags");
        }
    }
}
