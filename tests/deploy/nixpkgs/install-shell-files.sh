# Nixpkgs' installShellFiles, as far as lclq's package calls it.
installManPage() {
  mkdir -p "$out/share/man/man1"
  cp "$@" "$out/share/man/man1/"
  gzip -9n "$out"/share/man/man1/*
}
installShellCompletion() {
  local command shell file
  while (($#)); do
    case "$1" in
      --cmd) command="$2" ;;
      --bash) shell=share/bash-completion/completions file="$command.bash" ;;
      --zsh) shell=share/zsh/site-functions file="_$command" ;;
      --fish) shell=share/fish/vendor_completions.d file="$command.fish" ;;
      *) return 1 ;;
    esac
    if [[ "$1" != --cmd ]]; then
      mkdir -p "$out/$shell"
      cp "$2" "$out/$shell/$file"
    fi
    shift 2
  done
}
