# .\test.ps1  installs what the tests need, then lint, types, import rules and tests (make test on Linux and macOS)
$ErrorActionPreference = 'Stop'
Set-Location $PSScriptRoot
. ./.ci/setup.ps1
Install-Onetape test
$steps = @(
    @('ruff', 'check', '.'),
    @('ruff', 'format', '--check', '.'),
    @('python', '-m', 'mypy'),
    @('lint-imports', '--no-logo'),
    @('onetape', 'compile'),
    @('python', '-m', 'pytest', '-n', 'auto', '--maxprocesses', '4', '--dist', 'loadfile')
)
foreach ($step in $steps) {
    $program, $arguments = $step
    & ".venv/Scripts/$program.exe" $arguments
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}
