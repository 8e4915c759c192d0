import { DrayError } from '../../lib/errors.ts'
import type { Fields } from '../../oci/fields.ts'
import { reportName } from './scan-format.ts'

/** Returns the rule that a result names; undefined if the tool does not describe it. */
export type FindRule = (result: Fields) => Fields | undefined

/** Returns a function that finds the rules of a tool (sarif-v2.1.0, section 3.52). */
export function ruleFinder(tool: Fields): FindRule {
  const driver = tool.object('driver').objects('rules')
  const extensions = tool.objects('extensions').map((extension) => extension.objects('rules'))
  const byId = new Map<string, Fields>()
  for (const rule of [...extensions.flat(), ...driver].toReversed()) byId.set(rule.text('id'), rule)
  return (result) => {
    const reference = result.optionalObject('rule')
    const component = reference?.optionalObject('toolComponent')?.value('index')
    const rules = typeof component === 'number' ? extensions[component] : driver
    const index = result.value('ruleIndex') ?? reference?.value('index')
    const id = result.optionalText('ruleId') ?? reference?.optionalText('id')
    const named = id === undefined ? undefined : byId.get(id)
    const indexed = typeof index === 'number' ? rules?.[index] : undefined
    if (named !== undefined && indexed !== undefined && named.text('id') !== indexed.text('id'))
      throw new DrayError('malformed', `${reportName} has a SARIF result that names two rules`)
    return indexed ?? named
  }
}
