//! Who is asked for hosts' names.

/// Keeps a statically linked program to `/etc/hosts` and DNS.
///
/// `/etc/nsswitch.conf` may name services of others (mDNS, systemd), and the C library would load
/// their files for them, which are for this machine's C library and not for the one linked in: that
/// crashes.
#[cfg(all(target_os = "linux", target_env = "gnu", target_feature = "crt-static"))]
pub fn ask_files_and_dns() {
    unsafe extern "C" {
        // In <nss.h>, which the libc crate leaves out.
        fn __nss_configure_lookup(
            database: *const libc::c_char,
            services: *const libc::c_char,
        ) -> libc::c_int;
    }
    // SAFETY: both texts live as long as the program, and no other thread asks for names yet.
    unsafe { __nss_configure_lookup(c"hosts".as_ptr(), c"files dns".as_ptr()) };
}

/// A program that is linked otherwise asks whom the machine says.
#[cfg(not(all(target_os = "linux", target_env = "gnu", target_feature = "crt-static")))]
pub fn ask_files_and_dns() {}
