import type { components } from "./schema";

type Schemas = components["schemas"];

export type Dialog = Schemas["InboxDialog"];
export type DialogOpened = Schemas["DialogWithContact"];
export type DialogHead = Schemas["DialogView"];
export type DialogMarks = Schemas["DialogMarks"];
export type Tag = Schemas["Tag"];
export type Message = Schemas["MessageView"];
export type LiveEvent = Schemas["Event"];
export type Control = Schemas["Control"];
export type Delivery = Schemas["Delivery"];
export type Problem = Schemas["Problem"];
export type Me = Schemas["Me"];
export type Permission = Schemas["Permission"];
export type Membership = Schemas["MembershipView"];
export type InboxCounts = Schemas["InboxCounts"];
export type Operator = Schemas["Operator"];
export type Answer = Schemas["AnswerView"];
