$ErrorActionPreference = 'Stop'
$arguments = @{
  packageName    = $env:ChocolateyPackageName
  unzipLocation  = Split-Path -Parent $MyInvocation.MyCommand.Definition
  url64bit       = 'https://github.com/lclq/lclq/releases/download/v@VERSION@/lclq-@VERSION@-x86_64-pc-windows-msvc.zip'
  checksum64     = '@SHA256 x86_64-pc-windows-msvc.zip@'
  checksumType64 = 'sha256'
}
# Chocolatey makes a shim for the .exe that it finds below tools.
Install-ChocolateyZipPackage @arguments
