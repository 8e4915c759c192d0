import { BaseCommand } from '../../cli/command/base-command.ts'
import { readSchema } from '../../cli/program/read-schema.ts'

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
    const schema = await readSchema()
    this.finish(schema, () => JSON.stringify(schema, null, 2))
  }
}
