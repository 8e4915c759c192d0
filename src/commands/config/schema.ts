import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BaseCommand } from '../../cli/command/base-command.ts'
import { ioError } from '../../lib/files/io-error.ts'

export default class ConfigSchema extends BaseCommand {
  static override summary = 'Print the JSON Schema of dray.yaml.'
  static override description =
    'Editors check and complete dray.yaml with the schema. Save it, and name the file in the first line of dray.yaml: `# yaml-language-server: $schema=./dray.schema.json`.'
  static override examples = [
    {
      description: 'Save the schema for an editor',
      command: 'dray config schema > dray.schema.json',
    },
  ]

  async run(): Promise<void> {
    await this.parse(ConfigSchema)
    const file = join(this.config.root, 'schema', 'dray.schema.json')
    const text = await readFile(file, 'utf8').catch((cause: unknown) => {
      throw ioError(cause, `cannot read the schema ${file}`, file)
    })
    this.finish(JSON.parse(text), () => text.trimEnd())
  }
}
