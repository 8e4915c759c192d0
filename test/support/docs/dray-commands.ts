import { parseAllDocuments } from 'yaml'
import { splitCommand } from '../../../action/split-command.ts'
import { project } from '../../../src/cli/project.ts'
import type { Fence } from './fences.ts'
import { shellCommands } from './shell-commands.ts'

/** The arguments of a `dray` command, without `dray`. */
export type DrayArguments = readonly string[]

/** The dray commands of a code fence. */
export function drayCommandsIn({ language, text }: Fence): readonly DrayArguments[] {
  switch (language) {
    case 'yaml':
      return drayCommandsInYaml(text)
    case 'console':
      return inShell((text.match(/^\$ .*(?:\\\n.*)*/gm) ?? []).map((line) => line.slice(2)).join('\n'))
    case 'groovy':
      return [...text.matchAll(/\bsh(?: |\(script: )'([^']*)'/g)].flatMap(([, script = '']) =>
        inShell(script),
      )
    case 'cron':
      return inShell(text.replaceAll(/^(?:\S+ ){5}\w+ /gm, ''))
    // Forms of usage, and output of other programs.
    case 'text':
      return []
    default:
      return inShell(text)
  }
}

function inShell(script: string): readonly DrayArguments[] {
  return shellCommands(script).flatMap(([program, ...args]) => (program === 'dray' ? [args] : []))
}

/** The dray commands of CI configuration: scripts, container arguments, inputs of the action. */
export function drayCommandsInYaml(text: string): readonly DrayArguments[] {
  return parseAllDocuments(text).flatMap((document) => inValue(document.toJS() as unknown))
}

/** Keys whose values are prose or conditions. */
const proseKeys = new Set(['author', 'description', 'name', 'if', 'displayName', 'label'])

function inValue(value: unknown): readonly DrayArguments[] {
  if (typeof value === 'string') return inShell(value)
  if (Array.isArray(value)) return value.flatMap(inValue)
  if (typeof value !== 'object' || value === null) return []
  const { uses, with: inputs, image, args, ...others } = value as Readonly<Record<string, unknown>>
  const inAction =
    typeof uses === 'string' && uses.startsWith(`${project.action}@`) ? inInputs(inputs) : inValue(inputs)
  const isContainer = typeof image === 'string' && image.startsWith(`${project.image}:`)
  const inContainer = isContainer && isTexts(args) ? [args.map(withSamples)] : inValue(args)
  const rest = Object.entries(others).filter(
    ([key]) => !proseKeys.has(key) && !(isContainer && key === 'command'),
  )
  return [...inAction, ...inContainer, ...rest.flatMap(([, other]) => inValue(other))]
}

function inInputs(inputs: unknown): readonly DrayArguments[] {
  const { command } = (inputs ?? {}) as { readonly command?: unknown }
  return typeof command === 'string' ? [splitCommand(withSamples(command))] : []
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

/** Replaces the expressions of GitHub, Kubernetes and Tekton by a sample. */
function withSamples(text: string): string {
  return text.replaceAll(/\$\{\{.*?\}\}|\$\([^)]*\)/g, '1')
}
