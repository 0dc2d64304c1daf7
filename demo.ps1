# .\demo.ps1  installs the core into .venv and replays the demo (make demo on Linux and macOS)
$ErrorActionPreference = 'Stop'
Set-Location $PSScriptRoot
. ./.ci/setup.ps1
Install-Onetape
& .venv/Scripts/onetape.exe backtest demo
exit $LASTEXITCODE
