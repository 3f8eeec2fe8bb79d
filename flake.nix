{
  description = "Local cloud queue: stands in for AWS SQS and Google Cloud Pub/Sub";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin"
        "aarch64-darwin"
      ];
      each = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
    in
    {
      packages = each (pkgs: rec {
        lclq = pkgs.callPackage ./deploy/nix/package.nix { };
        default = lclq;
      });
      apps = each (pkgs: {
        default = {
          type = "app";
          program = "${self.packages.${pkgs.system}.lclq}/bin/lclq";
        };
      });
      overlays.default = final: prev: {
        lclq = final.callPackage ./deploy/nix/package.nix { };
      };
    };
}
