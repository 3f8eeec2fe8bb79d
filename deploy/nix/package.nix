# Builds lclq from this repository. `nix run github:lclq/lclq -- start`
{
  lib,
  rustPlatform,
  installShellFiles,
}:
rustPlatform.buildRustPackage {
  pname = "lclq";
  version = (lib.importTOML ../../Cargo.toml).workspace.package.version;
  src = lib.cleanSource ../..;
  cargoLock.lockFile = ../../Cargo.lock;
  cargoBuildFlags = [
    "--package"
    "lclq"
    "--bin"
    "lclq"
  ];
  # They want the SDKs of five languages; tests/run has them.
  doCheck = false;
  nativeBuildInputs = [ installShellFiles ];
  postInstall = ''
    $out/bin/lclq generate man man
    installManPage man/*.1
    for shell in bash zsh fish; do
      $out/bin/lclq generate completions $shell >lclq.$shell
    done
    installShellCompletion --cmd lclq --bash lclq.bash --zsh lclq.zsh --fish lclq.fish
  '';
  meta = {
    description = "Local cloud queue that stands in for AWS SQS and Google Cloud Pub/Sub";
    homepage = "https://github.com/lclq/lclq";
    license = with lib.licenses; [
      mit
      asl20
    ];
    mainProgram = "lclq";
    platforms = lib.platforms.unix;
  };
}
