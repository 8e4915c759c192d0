import { defaultTagPolicy } from '../../semver/tag-policy.ts'
import { startingGates } from '../../config/starting/starting-gates.ts'
import { startingPolicies } from '../../config/starting/starting-policies.ts'
import { reportSectionNames } from '../../usecases/report/report.ts'
import type { CommandLineState } from './command-line-state.ts'
import type { KnownCommand } from './command-list.ts'
import { completeImage, environmentsOf } from './complete-image.ts'
import { completeName } from './complete-name.ts'
import { type Completion, type CompletionSources, nothing } from './completion.ts'
import type { ValueKind } from './value-kinds.ts'

/** The form of a version tag in every scheme. The modules of versions would take longer to load. */
const exactVersion = /^v?\d+\.\d+\.\d/

/** Completes a value of a flag or argument without a fixed list. */
export async function completeValue(
  kind: ValueKind,
  current: string,
  state: CommandLineState,
  commands: readonly KnownCommand[],
  sources: CompletionSources,
): Promise<Completion> {
  if (typeof kind === 'object') return await completeImage(kind, current, state, sources)
  switch (kind) {
    case 'environment': {
      const at = current.startsWith('@') ? '@' : ''
      return list((await sources.names()).environments.map((name) => `${at}${name}`))
    }
    case 'imageName':
      return list((await sources.names()).images)
    case 'versionOfImage':
    case 'tagOfImage': {
      const [image] = state.positionals
      if (image === undefined) return nothing
      const tags = await sources.tags(image, await environmentsOf(state, sources))
      return list(kind === 'tagOfImage' ? tags : tags.filter((tag) => exactVersion.test(tag)))
    }
    case 'variant':
      return list((await sources.names()).variants)
    case 'levels':
      return completeList(current, defaultTagPolicy.levels)
    case 'host':
      return list((await sources.names()).hosts)
    case 'policy':
      return list((await sources.names()).policies)
    case 'syncRule':
      return list((await sources.names()).syncRules)
    case 'startingPolicy':
      return list([...startingPolicies.map(({ name }) => name), 'none'])
    case 'startingGates':
      return completeList(current, [...startingGates.map((one) => one.kind), 'none'])
    case 'reportSections':
      return completeList(current, reportSectionNames)
    case 'gate':
      return list((await sources.names()).gates)
    case 'command':
      return { candidates: completeName(state.positionals, current, commands) }
    case 'report':
      if (current.startsWith('dir=')) return { candidates: [], paths: 'folders' }
      return /^(?:dotenv|summary)=/.test(current)
        ? { candidates: [], paths: 'files' }
        : joined(['dotenv=', 'dir=', 'summary='])
    case 'file':
      return { candidates: [], paths: 'files' }
    case 'folder':
      return { candidates: [], paths: 'folders' }
    case 'text':
      return nothing
  }
}

/** The values that a list such as `exact,minor` does not have yet. */
function completeList(current: string, values: readonly string[]): Completion {
  const given = current.split(',').slice(0, -1)
  const before = given.map((value) => `${value},`).join('')
  return joined(values.filter((value) => !given.includes(value)).map((value) => `${before}${value}`))
}

function list(values: readonly string[]): Completion {
  return { candidates: values.map((value) => ({ value })) }
}

function joined(values: readonly string[]): Completion {
  return { ...list(values), canContinue: true }
}
