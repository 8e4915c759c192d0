/** An event in the JSON format of CloudEvents 1.0. `source` and `id` together are unique. */
export interface CloudEvent<Data> {
  readonly specversion: '1.0'
  readonly id: string
  /** the machine that dray ran on, as a URN */
  readonly source: string
  /**
   * `dev.dray.<operation>.<result>`, such as `dev.dray.promote.done` or `dev.dray.copy.refused`; or
   * a type of CDEvents
   */
  readonly type: string
  /**
   * the tag or content that was changed, with its repository; for an edit, the file; for a refusal,
   * the image in the plan
   */
  readonly subject?: string
  readonly time: string
  readonly datacontenttype: 'application/json'
  readonly data: Data
}
