import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { ciFiles, fencesIn } from '../support/ci-files/published-pages.ts'
import { drayCommandsInYaml } from '../support/docs/dray-commands.ts'
import { complaintOfArguments } from '../support/docs/parse-arguments.ts'

function complaintsOf(text: string): readonly string[] {
  return parseAllDocuments(text).flatMap((document) => {
    const found = [...document.errors, ...document.warnings].map(({ message }) => message)
    if (found.length > 0) return found
    try {
      // An alias without an anchor is found here.
      document.toJS()
      return []
    } catch (error) {
      return [String(error)]
    }
  })
}

describe('YAML for users', () => {
  const files = ciFiles().map(({ path, text }) => ({ at: path, text }))

  it.each([...files, ...fencesIn('yaml')])('in $at is valid', ({ text }) => {
    expect(complaintsOf(text)).toEqual([])
  })

  it.each(files)('in $at runs only commands that the option parsers accept', async ({ text }) => {
    const complaints = await Promise.all(drayCommandsInYaml(text).map(complaintOfArguments))
    expect(complaints.filter((one) => one !== undefined)).toEqual([])
  })

  it.each(['a: 1\na: 2\n', 'a: [1\n', 'a: *b\n', 'a: !x 1\n'])('is checked: %j', (text) => {
    expect(complaintsOf(text)).not.toEqual([])
  })
})
