"""Templates with their parameters put in."""

from __future__ import annotations

from textwright.deploy.cloud.templates import parse, resolve

TEMPLATE = """
Parameters:
  Size: {Type: String, Default: small}
  Zones: {Type: CommaDelimitedList, Default: "a,b"}
  Mail: {Type: String, Default: ""}
Conditions:
  HasMail: !Not [!Equals [!Ref Mail, ""]]
  IsLarge: !Equals [!Ref Size, large]
  Both: !And [!Condition HasMail, !Condition IsLarge]
  Either: !Or [!Condition HasMail, !Condition IsLarge]
Resources:
  Machine:
    Type: A
    Properties:
      Size: !Ref Size
      Name: !Sub "${Size}-${AWS::Region}"
      Plain: !Sub "is-${Size}"
      Zone: !Select [1, !Ref Zones]
      Zones: !Ref Zones
      Topic: !If [HasMail, !Ref Topic, !Ref "AWS::NoValue"]
      List: [1, !If [HasMail, 2, !Ref "AWS::NoValue"]]
  Topic: {Type: B, Condition: HasMail, Properties: {To: !Ref Mail, Of: !GetAtt Machine.Arn}}
  Two: {Type: C, Condition: Both}
  One: {Type: D, Condition: Either}
Outputs:
  Topic: {Condition: HasMail, Value: !Ref Topic}
"""


def test_defaults_leave_out_what_they_switch_off():
    found = resolve(parse(TEMPLATE), {})
    assert list(found["Resources"]) == ["Machine"]
    assert found["Outputs"] == {}
    assert found["Resources"]["Machine"]["Properties"] == {
        "Size": "small",
        "Name": {"Fn::Sub": "small-${AWS::Region}"},
        "Plain": "is-small",
        "Zone": "b",
        "Zones": ["a", "b"],
        "List": [1],
    }


def test_given_values_switch_on_and_names_of_resources_stay():
    found = resolve(parse(TEMPLATE), {"Mail": "me@example.org", "Size": "large", "Zones": "c,d"})
    assert list(found["Resources"]) == ["Machine", "Topic", "Two", "One"]
    assert found["Resources"]["Machine"]["Properties"]["Topic"] == {"Ref": "Topic"}
    assert found["Resources"]["Topic"]["Properties"] == {
        "To": "me@example.org",
        "Of": {"Fn::GetAtt": ["Machine", "Arn"]},
    }
    assert found["Outputs"] == {"Topic": {"Value": {"Ref": "Topic"}}}
