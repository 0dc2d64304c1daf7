# Install-Onetape [EXTRA ...]: makes .venv and installs the project into it; done already, it takes no time.
function Install-Onetape {
    param([string[]]$Extras = @())
    $list = $Extras -join ','
    $name = if ($list) { $list } else { 'core' }
    $stamp = ".venv/installed-$name"
    $key = (Get-FileHash pyproject.toml).Hash + ' ' + (Get-Location).Path
    $python = '.venv/Scripts/python.exe'
    if ((Test-Path $python) -and (Test-Path $stamp) -and ((Get-Content $stamp) -eq $key)) { return }

    if (-not (Test-Path $python)) {
        $found = $null
        foreach ($candidate in @($env:PYTHON, 'python', 'python3', 'py')) {
            if ($candidate -and (Get-Command $candidate -ErrorAction SilentlyContinue)) {
                & $candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))'
                if ($LASTEXITCODE -eq 0) { $found = $candidate; break }
            }
        }
        if (-not $found) {
            Write-Host 'onetape needs Python 3.11 or newer: install it, or name it in $env:PYTHON'
            exit 1
        }
        & $found -m venv --clear .venv
        if ($LASTEXITCODE -ne 0) { Write-Host "$found could not make .venv"; exit 1 }
    }

    $what = if ($list) { ".[$list]" } else { '.' }
    Write-Host "installing onetape ($name) into .venv (once, about a minute)"
    & $python -m pip install --quiet --disable-pip-version-check -e $what
    if ($LASTEXITCODE -ne 0) { Write-Host 'pip could not install onetape (see above): is a package index reachable?'; exit 1 }
    Set-Content $stamp $key
    Set-Content '.venv/installed-core' $key
}
