import { mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DrayError } from '../src/lib/errors.ts'
import { lacksSecrets } from './event.ts'
import { findNode } from './find-node.ts'
import { addToPath, booleanInputOf, formatProblem, inputOf, writeStepValue } from './github.ts'
import { logIn } from './log-in.ts'
import { findProgram, runProgram } from './program.ts'
import { writeShims } from './shims.ts'
import { splitCommand } from './split-command.ts'

/** Puts dray on the PATH of the job and runs the input `command`. Returns the exit code. */
async function main(env: NodeJS.ProcessEnv): Promise<number> {
  const command = booleanInputOf('install-only', env) ? undefined : inputOf('command', env)
  const args = command === undefined ? undefined : splitCommand(command)
  const { folder, script, engines } = findProgram()
  const own = { version: process.versions.node, path: process.execPath }
  const node = findNode(own, engines, folder)
  const temp = env['RUNNER_TEMP'] ?? tmpdir()
  const bin = mkdtempSync(join(temp, 'dray-bin-'))
  writeShims(bin, node, script, process.platform)
  addToPath(bin, env)
  const variables = variablesOf(args, temp, env)
  if (args === undefined) {
    for (const [name, value] of Object.entries(variables)) writeStepValue('GITHUB_ENV', name, value, env)
    return 0
  }
  const environment = { ...env, ...variables }
  if (args[0] === 'login') return await logIn(args, node, environment)
  const { code } = await runProgram(args, { node, env: environment })
  if (code === 1 && lacksSecrets(env)) process.stdout.write(formatProblem('warning', withoutSecrets()))
  return code
}

/** The variables that the inputs stand for. They apply to the command, or else to later steps. */
function variablesOf(
  args: readonly string[] | undefined,
  temp: string,
  env: NodeJS.ProcessEnv,
): Readonly<Record<string, string>> {
  const config = inputOf('config', env)
  const audit = booleanInputOf('audit-artifact', env) ? auditFileOf(args ?? [], temp, env) : undefined
  if (audit !== undefined) writeStepValue('GITHUB_OUTPUT', 'audit-artifact', `${audit}\n${audit}.head`, env)
  return {
    ...(config !== undefined && { DRAY_CONFIG: resolve(env['GITHUB_WORKSPACE'] ?? '.', config) }),
    ...(audit !== undefined && { DRAY_AUDIT_FILE: audit }),
  }
}

/** The audit log that the job names, or one in a folder that all steps of the job share. */
function auditFileOf(args: readonly string[], temp: string, env: NodeJS.ProcessEnv): string {
  const at = args.findLastIndex((arg) => /^--audit-file(?:=|$)/.test(arg))
  const flag = args[at]?.slice('--audit-file='.length)
  const named = (flag === '' ? args[at + 1] : flag) ?? env['DRAY_AUDIT_FILE'] ?? ''
  if (named !== '') return resolve(named)
  const folder = join(temp, 'dray-audit')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return join(folder, 'audit.jsonl')
}

function withoutSecrets(): DrayError {
  return new DrayError('unauthorized', 'this run has no secrets', {
    why: 'it belongs to a pull request from a fork or by Dependabot. GitHub passes no secrets to it, and its GITHUB_TOKEN can only read',
    hint: 'If dray reports missing credentials or a missing permission, run the step after the merge.',
  })
}

try {
  process.exitCode = await main(process.env)
} catch (error) {
  process.stdout.write(formatProblem('error', error))
  process.exitCode = 1
}
