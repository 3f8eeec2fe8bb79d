# As much of Nixpkgs as lclq's flake asks for, where Nixpkgs itself can't be had. Its buildRustPackage builds
# nothing: it puts the program that LCLQ_STAND_IN names in its place, and runs the package's own postInstall.
{
  outputs =
    { self }:
    let
      lib = {
        genAttrs =
          names: make:
          builtins.listToAttrs (
            map (name: {
              inherit name;
              value = make name;
            }) names
          );
        importTOML = path: builtins.fromTOML (builtins.readFile path);
        cleanSource = path: path;
        licenses = {
          mit = "MIT";
          asl20 = "Apache-2.0";
        };
        platforms.unix = [ ];
      };
      program = builtins.path {
        path = builtins.getEnv "LCLQ_STAND_IN";
        name = "lclq";
      };
      packages = system: {
        inherit lib system;
        callPackage = path: more: import path (inputs system // more);
      };
      inputs = system: {
        inherit lib;
        installShellFiles = ./install-shell-files.sh;
        rustPlatform.buildRustPackage =
          package:
          # It is what the lock file and the version say.
          assert builtins.pathExists package.cargoLock.lockFile;
          (derivation {
            name = "${package.pname}-${package.version}";
            inherit system program;
            inherit (package) postInstall;
            tools = package.nativeBuildInputs;
            builder = "/bin/bash";
            args = [ ./build.sh ];
          })
          // {
            inherit (package) pname version meta;
          };
      };
    in
    {
      inherit lib;
      legacyPackages = lib.genAttrs [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin"
        "aarch64-darwin"
      ] packages;
    };
}
