import { spawnSync } from 'node:child_process'
import { executable } from './program-command.ts'

/**
 * Runs a script again on the Bun in the executable of `DRAY_PROGRAM`, and ends this process with
 * its exit code. Returns if there is no such executable, or if this process already runs on it.
 */
export function runOnHostOfProgram(script: string): void {
  if (executable === undefined || process.versions['bun'] !== undefined) return
  const env = { ...process.env, BUN_BE_BUN: '1' }
  const { status } = spawnSync(executable, [script, ...process.argv.slice(2)], { env, stdio: 'inherit' })
  process.exit(status ?? 1)
}
