import { DrayError } from '../../lib/errors.ts'
import type { Requirement } from '../config.ts'
import type { SectionReaders } from '../sections/sections.ts'
import type { Path } from '../key-path.ts'
import type { WrittenRequirement } from '../schema/schema-gates.ts'
import type { ReportIssue } from '../shape.ts'

/** Expands the entries of `require`, and checks their regular expressions. */
export function readRequirements(
  written: readonly WrittenRequirement[],
  path: Path,
  { regExpProblem }: SectionReaders,
  report: ReportIssue,
): readonly Requirement[] {
  return written.flatMap((entry, i): readonly Requirement[] => {
    if (typeof entry === 'string') return [{ name: entry }]
    const patterns = Object.entries(entry) as [Requirement['name'], string][]
    if (patterns.length === 0)
      report(
        [...path, i],
        "must be reason or ticket, or a map such as { ticket: 'OPS-[0-9]+' }",
        'value',
        true,
      )
    return patterns.map(([name, pattern]) => {
      if (regExpProblem === undefined)
        throw new DrayError('internal', 'the engine of regular expressions is not loaded')
      const problem = regExpProblem(pattern)
      if (problem !== undefined) report([...path, i, name], problem)
      return { name, pattern }
    })
  })
}
