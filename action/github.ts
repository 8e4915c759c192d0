import { randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { DrayError, toDrayError } from '../src/lib/errors.ts'
import { escapeText } from '../src/render/text/escape.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** The files that a step of GitHub Actions appends to (GitHub, Workflow commands). */
type StepFile = 'GITHUB_ENV' | 'GITHUB_OUTPUT' | 'GITHUB_STATE'

/** An input of action.yml without surrounding white space; undefined if it is empty. */
export function inputOf(name: string, env: Environment): string | undefined {
  const text = env[`INPUT_${name.toUpperCase()}`]?.trim() ?? ''
  return text === '' ? undefined : text
}

/** @throws `usage` for a value that is neither true nor false (YAML 1.2, core schema). */
export function booleanInputOf(name: string, env: Environment): boolean {
  const text = inputOf(name, env)
  if (text === undefined || /^(?:false|False|FALSE)$/.test(text)) return false
  if (/^(?:true|True|TRUE)$/.test(text)) return true
  throw new DrayError('usage', `${JSON.stringify(text)} is not a value of the input ${name}`, {
    hint: `Write ${name}: true, or omit it.`,
  })
}

/**
 * Appends a value to a file of the step. The delimiter is random, so that no value can end itself
 * and begin another name. @throws `io` if the file is missing: outside of GitHub Actions.
 */
export function writeStepValue(file: StepFile, name: string, value: string, env: Environment): void {
  const delimiter = `dray_${randomUUID()}`
  appendFileSync(stepFile(file, env), `${name}<<${delimiter}\n${value}\n${delimiter}\n`)
}

/** Puts a folder before the PATH of later steps. */
export function addToPath(folder: string, env: Environment): void {
  appendFileSync(stepFile('GITHUB_PATH', env), `${folder}\n`)
}

function stepFile(name: string, env: Environment): string {
  const file = env[name]
  if (file !== undefined && file !== '') return file
  throw new DrayError('io', `the variable ${name} is missing`, {
    why: 'GitHub Actions sets it for every step',
    hint: 'Run this program as an action of a workflow.',
  })
}

/** The workflow command that hides a secret in the log of the job, for each of its lines. */
export function formatMask(secret: string): string {
  return secret
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .map((line) => `::add-mask::${line.replaceAll('%', '%25').replaceAll('\r', '%0D')}\n`)
    .join('')
}

/** A workflow command that shows an error or a warning beside the run. */
export function formatProblem(level: 'error' | 'warning', thrown: unknown): string {
  const { message, why, hint } = toDrayError(thrown)
  const lines = [
    escapeText(message),
    ...(why === undefined ? [] : [`  why: ${escapeText(why)}`]),
    ...(hint === undefined
      ? []
      : hint.split('\n').map((line, i) => `${i === 0 ? '  fix:' : '   '} ${escapeText(line)}`)),
  ]
  const text = lines.map((line) => line.replaceAll('%', '%25')).join('%0A')
  return `::${level} title=dray::${text}\n`
}
