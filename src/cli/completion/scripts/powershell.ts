/**
 * The completion script for PowerShell 5 and later. A word that begins with `@` needs quotes there,
 * because it would be a splatted variable.
 */
export const powershellScript =
  String.raw`# Completion of dray for PowerShell.
Register-ArgumentCompleter -Native -CommandName dray -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $before = @($commandAst.CommandElements | Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        ForEach-Object { if ($_.Value -is [string]) { $_.Value } else { $_.Extent.Text } })
    $word = $wordToComplete.Trim("'", '"')
    $lines = @(dray __complete "--word=$word" -- @before 2>$null)
    if ($lines.Count -gt 0 -and ($lines[-1] -eq ':files' -or $lines[-1] -eq ':folders')) { return }
    # PowerShell completes paths unless it gets a result.
    if ($lines.Count -eq 0) { return '' }
    $lines | Where-Object { -not $_.StartsWith(':') } | ForEach-Object {
        $value, $description = $_ -split "` +
  '`t' +
  String.raw`", 2
        if (-not $description) { $description = $value }
        $text = if ($value -match '^@|,') { "'$value'" } else { $value }
        [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $description)
    }
}
`
